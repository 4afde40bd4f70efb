# Builds with any Docker since 20.10, with or without BuildKit.
ARG BASE_IMAGE=vllm/vllm-openai-rocm:v0.32.0
ARG NODE_IMAGE=node:26.10.0-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json ./
COPY src src
COPY recipes recipes
COPY docker docker
RUN node docker/build.ts

FROM ${BASE_IMAGE}
# Node needs libatomic1; the ROCm images have it through gcc, a slim base may not.
RUN ldconfig -p | grep -q libatomic.so.1 || (apt-get update && apt-get install -y --no-install-recommends libatomic1 && rm -rf /var/lib/apt/lists/*)
COPY --from=build /usr/local/bin/node /opt/aim/bin/node
COPY --from=build /src/dist /opt/aim
COPY docker/bake.sh docker/engine-flags.py /opt/aim/
COPY docker/aim /usr/local/bin/aim
COPY entrypoint.sh /usr/local/bin/aim-entrypoint
# Asks the engine for its flags, proves that the bundle runs in this base, and fills the compile cache that every uid uses.
RUN sh /opt/aim/bake.sh /opt/aim /opt/aim/bin/node && chmod -R a+rX /opt/aim && aim version
EXPOSE 8000 8080
WORKDIR /workspace
# 120 s of grace is what the default policy needs; `docker run --stop-timeout` overrides it.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=24h --retries=3 CMD ["aim", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/aim-entrypoint"]
CMD ["serve"]
