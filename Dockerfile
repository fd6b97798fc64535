# syntax=docker/dockerfile:1
#
# docker build --target bun    -t gatewatch .    the gateway on Bun (the last stage, and so the default)
# docker build --target deno   -t gatewatch .    the gateway on Deno
# docker build --target binary -t gatewatch .    one executable and nothing else
#
# All three: no shell, user 65532, /app read-only. docs/containers.md tells how to run them.
# The runtimes come from package-lock.json like every other dependency, so that an image runs what the tests ran.

ARG BASE=gcr.io/distroless/cc-debian12:nonroot

FROM node:24-bookworm-slim AS modules
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
RUN mkdir -p /out/bin /out/app && cp -L node_modules/.bin/bun node_modules/.bin/deno /out/bin/
RUN cp package.json package-lock.json .npmrc /out/app/ && cd /out/app && npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund && rm package-lock.json .npmrc

FROM modules AS executable
COPY . .
RUN node_modules/.bin/bun scripts/compile.ts --outfile /out/bin/gatewatch

FROM ${BASE} AS base
WORKDIR /app
COPY LICENSE ./
USER 65532:65532
EXPOSE 9080 9443

FROM base AS deno
# V8 is to free buffers where it finds them unused, not later in a thread of its own: docs/forwarding.md, Memory.
ENV DENO_NO_UPDATE_CHECK=1 DENO_NO_PROMPT=1 DENO_DIR=/tmp/deno DENO_V8_FLAGS=--no-concurrent-array-buffer-sweeping
COPY --from=modules /out/bin/deno /usr/local/bin/deno
COPY --from=modules /out/app ./
COPY deno.json ./
COPY src ./src
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 \
  CMD ["/usr/local/bin/deno", "run", "--cached-only", "--no-check", "--allow-env", "--allow-read", "--allow-net", "src/entries/deno.ts", "health"]
ENTRYPOINT ["/usr/local/bin/deno", "run", "--cached-only", "--no-check", "--allow-env", "--allow-read", "--allow-net", "src/entries/deno.ts"]
CMD ["run"]

FROM base AS binary
COPY --from=executable /out/bin/gatewatch /usr/local/bin/gatewatch
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 CMD ["/usr/local/bin/gatewatch", "health"]
ENTRYPOINT ["/usr/local/bin/gatewatch"]
CMD ["run"]

FROM base AS bun
COPY --from=modules /out/bin/bun /usr/local/bin/bun
COPY --from=modules /out/app ./
COPY bunfig.toml ./
COPY src ./src
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 \
  CMD ["/usr/local/bin/bun", "src/entries/bun.ts", "health"]
ENTRYPOINT ["/usr/local/bin/bun", "src/entries/bun.ts"]
CMD ["run"]
