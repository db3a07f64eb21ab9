# One image for every role: `up` (all of it, the default), `web`, `worker`, `messages`, `beat`, and every other command.
# docs/install.md says how to run it. Nothing is written outside /var/lib/statuspage and /tmp.
FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/statuspage
COPY requirements.txt /src/
RUN /opt/statuspage/bin/pip install --require-hashes -r /src/requirements.txt
RUN python -m venv /opt/build && /opt/build/bin/pip install "hatchling>=1.27"
COPY pyproject.toml README.md LICENSE CHANGELOG.md /src/
COPY components /src/components
COPY incidents /src/incidents
COPY statuspage /src/statuspage
COPY subscribers /src/subscribers
COPY templates /src/templates
RUN cd /src && /opt/build/bin/hatchling build -t wheel -d /wheel \
 && /opt/statuspage/bin/pip install --no-deps --no-index /wheel/*.whl \
 && /opt/statuspage/bin/python -m compileall -q /opt/statuspage/lib

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/statuspage --create-home --shell /usr/sbin/nologin statuspage
COPY --from=build /opt/statuspage /opt/statuspage
ENV PATH=/opt/statuspage/bin:$PATH VAR_DIR=/var/lib/statuspage HOST=0.0.0.0 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /var/lib/statuspage
VOLUME /var/lib/statuspage
EXPOSE 8000
# of the web process; compose.yaml names the role of each of the others
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["statuspage", "alive"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["statuspage"]
CMD ["up"]
