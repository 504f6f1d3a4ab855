"""moto hooks into the botocore sessions that are made after its import: so it comes first."""

import moto  # noqa: F401 - see above
