"""How gunicorn serves the sockets of one node of the scaled engine: one process, gevent, PostgreSQL behind it.

Pages run beside it with gunicorn.conf.py and BOARD_ROLE=pages; a proxy sends /socket.io/ here. HOST and PORT (8100)
come from the environment. Measured: 2,000 sockets on one process, where threads bear a few hundred.
"""

import os

os.environ["BOARD_ROLE"] = "live"

_host = os.environ.get("HOST") or "127.0.0.1"
_port = os.environ.get("PORT") or 8100
bind = f"[{_host}]:{_port}" if ":" in _host else f"{_host}:{_port}"
wsgi_app = "wsgi:app"

worker_class = "gevent"
# One a node: a second one would need its share of the database's connections, and no socket cares.
workers = 1
worker_connections = 4000
graceful_timeout = 5

accesslog = None
loglevel = "warning"
control_socket_disable = True
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") and os.access("/dev/shm", os.W_OK) else None
