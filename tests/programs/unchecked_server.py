"""`python -m cedrina.serving` without the system checks before it: they take 1.3 of the 2.7 s of CPU of a start."""

from cedrina.serving import __main__ as serving
from cedrina.serving.processes import http_server

if __name__ == "__main__":
    serving.run_checks = lambda **_options: None
    http_server.preload_and_check = http_server.preload
    serving.main()
