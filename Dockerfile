# Two stages: the first has pip and its cache, the second only what runs. `make image` builds it and says how large it is.
# Any image with Python 3.11 or newer as python3, with venv, and useradd will do as the base.
ARG BASE=python:3.12-slim-bookworm
FROM ${BASE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# For strip. A base without apt gives a larger image, and the build says so.
RUN command -v strip || { apt-get update && apt-get install --yes --no-install-recommends binutils; } || true
RUN python3 -m venv /opt/cedrina
ARG REQUIREMENTS=prod
COPY requirements/${REQUIREMENTS}.txt deploy/image/requirements.py /tmp/image/
RUN python3 /tmp/image/requirements.py /tmp/image/${REQUIREMENTS}.txt > /tmp/requirements.txt \
    && /opt/cedrina/bin/pip install --require-hashes --only-binary :all: --no-deps --no-compile -r /tmp/requirements.txt
WORKDIR /srv/cedrina
COPY manage.py ./
# .dockerignore leaves cedrina/tooling out: embedded servers, `make run`, the demo and the translation tools.
COPY cedrina cedrina
COPY accounts accounts
COPY tokens tokens
COPY ratelimiting ratelimiting
COPY security_events security_events
COPY cedrina_base cedrina_base
COPY templates templates
COPY docs/api-guide.md docs/api-guide.md
COPY locale locale
# No collectstatic: pages are few, and their files are served straight from the packages (WHITENOISE_USE_FINDERS).
COPY deploy/image/trim.py deploy/image/unused.py deploy/image/import_all.py /tmp/image/
RUN /opt/cedrina/bin/python /tmp/image/trim.py && /opt/cedrina/bin/python -m compileall -q .

FROM ${BASE}
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin cedrina
COPY --from=build /opt/cedrina /opt/cedrina
COPY --from=build /srv/cedrina /srv/cedrina
WORKDIR /srv/cedrina
ENV PATH=/opt/cedrina/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    CEDRINA_ENV=production \
    HOST=0.0.0.0 \
    PORT=8000 \
    LOG_FORMAT=json
USER 10001
EXPOSE 8000
# http.client, as urllib would ask a proxy of the environment. /livez is answered under any Host.
HEALTHCHECK --interval=10s --timeout=4s --start-period=30s CMD ["python", "-c", "import http.client, os, sys; \
c = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=3); c.request('GET', '/livez'); \
sys.exit(c.getresponse().status != 200)"]
CMD ["python", "-m", "cedrina.serving", "--http"]
