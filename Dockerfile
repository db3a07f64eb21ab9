# One image for every role: `up` (all of it, the default), `web`, `worker`, `messages`, `beat`, and every other command.
# docs/install.md says how to run it. Nothing is written outside /var/lib/statuspage and /tmp.
FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/statuspage
COPY requirements.txt /opt/statuspage/
RUN /opt/statuspage/bin/pip install --require-hashes -r /opt/statuspage/requirements.txt
COPY components /opt/statuspage/app/components
COPY incidents /opt/statuspage/app/incidents
COPY statuspage /opt/statuspage/app/statuspage
COPY subscribers /opt/statuspage/app/subscribers
COPY templates /opt/statuspage/app/templates
RUN printf '#!/bin/sh\nexec /opt/statuspage/bin/python -m statuspage "$@"\n' > /opt/statuspage/bin/statuspage \
 && chmod 755 /opt/statuspage/bin/statuspage \
 && /opt/statuspage/bin/python -m compileall -q /opt/statuspage/lib /opt/statuspage/app

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/statuspage --create-home --shell /usr/sbin/nologin statuspage
COPY --from=build /opt/statuspage /opt/statuspage
ENV PATH=/opt/statuspage/bin:$PATH PYTHONPATH=/opt/statuspage/app VAR_DIR=/var/lib/statuspage HOST=0.0.0.0 \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /var/lib/statuspage
VOLUME /var/lib/statuspage
EXPOSE 8000
# of the web process; compose.yaml names the role of each of the others
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["statuspage", "alive"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["statuspage"]
CMD ["up"]
