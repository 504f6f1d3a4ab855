"""moto hangs itself into botocore when it is imported: sessions made before know nothing of it."""

import moto.core.models  # noqa: F401 - see above
