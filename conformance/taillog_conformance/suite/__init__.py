"""The suite: one module an area of the contract. `from taillog_conformance.suite import *` brings all checks."""

from .test_con import *
from .test_del import *
from .test_dst import *
from .test_enc import *
from .test_err import *
from .test_flt import *
from .test_frm import *
from .test_lat import *
from .test_lif import *
from .test_mis import *
from .test_pfx import *
from .test_res import *
from .test_rot import *
from .test_src import *
from .test_trn import *
