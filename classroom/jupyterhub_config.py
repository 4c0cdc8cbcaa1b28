"""JupyterHub for a class: one server, one data folder, and for each student a copy of the lessons.

docs/classroom.md says how to start it. Every student is a user of this machine.
"""

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
STATE = Path(os.environ.get("COURSE_HUB", "/srv/jupyterhub"))
LESSONS = "~/neural-networks"  # in a student's home
IDLE = 3600  # seconds

c = get_config()  # noqa: F821

# Only this machine reaches the hub. For a class, put a web server with TLS in front of it.
c.JupyterHub.bind_url = "http://127.0.0.1:8000"
c.JupyterHub.cookie_secret_file = str(STATE / "cookie_secret")
c.JupyterHub.db_url = f"sqlite:///{STATE / 'jupyterhub.sqlite'}"
c.ConfigurableHTTPProxy.command = str(STATE / "node_modules/.bin/configurable-http-proxy")
c.ConfigurableHTTPProxy.pid_file = str(STATE / "proxy.pid")

# The passwords are those of the machine. Only members of the group "course" may log in; those of
# the group COURSE_ADMIN_GROUP may log in too, look into every student's server, and stop it.
admins = set(filter(None, [os.environ.get("COURSE_ADMIN_GROUP")]))
c.LocalAuthenticator.allowed_groups = {"course"} | admins
c.PAMAuthenticator.admin_groups = admins

c.Spawner.cmd = [str(PROJECT / ".venv/bin/python"), str(PROJECT / "classroom/start_server.py")]
c.Spawner.args = [
    "--LabApp.extension_manager=readonly",
    # A kernel that has done nothing for an hour ends, also below an open page, but never while a
    # cell computes; then the server, when nobody has used it for an hour.
    f"--MappingKernelManager.cull_idle_timeout={IDLE}",
    "--MappingKernelManager.cull_busy=False",
    "--MappingKernelManager.cull_connected=True",
    f"--ServerApp.shutdown_no_activity_timeout={IDLE}",
]
c.Spawner.notebook_dir = LESSONS
c.Spawner.default_url = "/lab/tree/01_pytorch_workflow.ipynb"
c.Spawner.environment = {
    "COURSE_WORK_DIR": LESSONS,
    "COURSE_DATA_DIR": os.environ.get("COURSE_DATA_DIR", str(PROJECT / "data")),
    "COURSE_RESULTS_DIR": f"{LESSONS}/results",
    # With more students than cores, several threads each only get into each other's way.
    "OMP_NUM_THREADS": os.environ.get("COURSE_THREADS", "1"),
    # The most that one kernel may take, in GB; 0: no limit.
    "COURSE_MEMORY_GB": os.environ.get("COURSE_MEMORY_GB", "4"),
}
