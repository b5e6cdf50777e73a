"""The command line of the gateway with short waits between attempts of webhooks, so that a test sees all of them.

python quick_retries.py -m gateway sandbox up ...
"""

import sys
from datetime import timedelta

from gateway.cli import main
from gateway.domain.webhooks import schedule
from gateway.services.webhooks import worker

SHORT = timedelta(milliseconds=50)

if __name__ == "__main__":
    schedule.RETRIES = (SHORT,) * 30
    schedule.ATTEMPTS = 31
    schedule.SHORTEST_PAUSE = schedule.LONGEST_PAUSE = SHORT
    worker.LOST_AFTER = timedelta(seconds=3)
    sys.argv = ["gateway", *sys.argv[3:]]
    main()
