"""What evaluate is measured against: the same calls by the same packages, imported the usual way.

A bare tick: the trading parameter, the table, ticker and candles, a mark in the table. It decides
nothing and protects nothing.
"""

import os

import boto3
import ccxt
from aws_lambda_powertools import Logger, Metrics
from pydantic import BaseModel


class Tick(BaseModel):
    job: str
    scheduled_time: str


logger = Logger(service="naive")
metrics = Metrics(namespace="Naive", service="naive")
table = boto3.client("dynamodb")
parameters = boto3.client("ssm")
exchange = ccxt.gate({"enableRateLimit": True})
spot = exchange.urls["api"]["public"]
spot.update(dict.fromkeys(spot, os.environ["EXCHANGE_URL"]))  # noqa: TID251 - it is naive


@logger.inject_lambda_context
def handler(event: dict[str, str], _context: object) -> dict[str, int]:
    tick = Tick(**event)
    name = os.environ["TABLE_NAME"]  # noqa: TID251 - likewise
    parameters.get_parameter(Name=os.environ["TRADING_PARAMETER"])  # noqa: TID251 - likewise
    table.query(
        TableName=name,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "naive"}},
    )
    # The raw endpoints: fetch_ticker would load all markets first, half a second more.
    exchange.publicSpotGetTickers({"currency_pair": "BTC_USDT"})
    bars = exchange.publicSpotGetCandlesticks(
        {"currency_pair": "BTC_USDT", "interval": "1m", "limit": 100}
    )
    table.put_item(TableName=name, Item={"pk": {"S": "naive"}, "sk": {"S": tick.job}})
    logger.info("seen", bars=len(bars))
    return {"bars": len(bars)}
