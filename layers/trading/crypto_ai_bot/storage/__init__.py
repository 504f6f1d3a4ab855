"""Floor 3, adapters of the store port: DynamoDB, and memory."""
