"""How gunicorn serves the board on one machine; measured in docs/decisions/0004-gunicorn-gthread.md.

HOST and PORT come from the environment. Options on gunicorn's command line win over this file.
"""

import os

_host = os.environ.get("HOST") or "127.0.0.1"
bind = (
    f"[{_host}]:{os.environ.get('PORT') or 8000}"
    if ":" in _host
    else f"{_host}:{os.environ.get('PORT') or 8000}"
)
wsgi_app = "wsgi:app"

worker_class = "gthread"
workers = 2
# A WebSocket keeps its thread; each worker refuses sockets above threads - 60, so pages always find one. Where
# sockets have a process of their own, a page needs no more threads than there are database connections for it.
threads = 24 if os.environ.get("BOARD_ROLE") == "pages" else 400
worker_connections = 1000
graceful_timeout = 5

# The app writes one structured line a request itself.
accesslog = None
loglevel = "warning"
# The control socket stands at one place per user; two boards of one user would fight for it.
control_socket_disable = True
# Heartbeats are file times: on a busy disk they would stall a worker into its timeout.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") and os.access("/dev/shm", os.W_OK) else None


def post_worker_init(worker: object) -> None:
    """The program itself stays as long as its process does: the collector need not walk it again and again."""
    import gc  # every name of this file is a setting

    gc.collect()
    gc.freeze()
