"""The tests, one module for each operation; `import *` takes all of them."""

from ncwire.testing.conformance.suites.test_auth import *  # noqa: F403
from ncwire.testing.conformance.suites.test_backpressure import *  # noqa: F403
from ncwire.testing.conformance.suites.test_certificate import *  # noqa: F403
from ncwire.testing.conformance.suites.test_close import *  # noqa: F403
from ncwire.testing.conformance.suites.test_errors import *  # noqa: F403
from ncwire.testing.conformance.suites.test_hostkey import *  # noqa: F403
from ncwire.testing.conformance.suites.test_io import *  # noqa: F403
from ncwire.testing.conformance.suites.test_keepalive import *  # noqa: F403
from ncwire.testing.conformance.suites.test_makes import *  # noqa: F403
from ncwire.testing.conformance.suites.test_open import *  # noqa: F403
from ncwire.testing.conformance.suites.test_options import *  # noqa: F403
from ncwire.testing.conformance.suites.test_threads import *  # noqa: F403
from ncwire.testing.conformance.suites.test_tls import *  # noqa: F403
from ncwire.testing.conformance.suites.test_tunnel import *  # noqa: F403
from ncwire.testing.conformance.suites.test_unix import *  # noqa: F403
