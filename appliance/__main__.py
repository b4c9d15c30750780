"""`python -m appliance` is `zoe`."""

import sys

from appliance.cli import main

sys.exit(main())
