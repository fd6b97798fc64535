import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { importApisix } from "../../../src/cli/import/apisix.ts";
import { importOpenapi } from "../../../src/cli/import/openapi.ts";
import type { Imported } from "../../../src/cli/import/resources.ts";
import { importTraefik } from "../../../src/cli/import/traefik.ts";
import { parseRule } from "../../../src/cli/import/traefik-rule.ts";
import { createChecker } from "../../../src/cli/resources/catalogue.ts";
import { checkWanted, issueLine } from "../../../src/cli/resources/check.ts";
import { parseDocuments } from "../../../src/cli/resources/document.ts";

/** What a gateway would say of what was imported. */
async function issuesOf({ sections }: Imported): Promise<string[]> {
  const { wanted, issues } = await parseDocuments([["in", JSON.stringify(sections)]], { positions: false });
  return [...issues, ...checkWanted(wanted, createChecker())].map(issueLine);
}

describe("import apisix", () => {
  it("takes a standalone file as it is", async () => {
    const imported = importApisix({
      routes: [{ id: 1, uri: "/a", upstream_id: 1 }],
      upstreams: [{ id: 1, nodes: { "127.0.0.1:80": 1 } }],
      stream_routes: [{ id: 1 }],
    });
    assert.deepEqual(imported.sections, {
      routes: [{ id: "1", uri: "/a", upstream_id: 1 }],
      upstreams: [{ id: "1", nodes: { "127.0.0.1:80": 1 } }],
    });
    assert.deepEqual(imported.notes, ["stream_routes: has no counterpart"]);
    assert.deepEqual(await issuesOf(imported), []);
  });

  it("takes routes out of the services of an ADC file, and gives ids to what has names", async () => {
    const imported = importApisix({
      services: [{
        name: "my service",
        path_prefix: "/v1",
        upstream: { nodes: [{ host: "10.0.0.1", port: 80, weight: 1 }] },
        routes: [{ name: "list", uris: ["/users"], methods: ["GET"] }, { name: "list", uris: ["/groups"] }],
      }],
      consumers: [{ username: "jack", credentials: [{ name: "main", type: "key-auth", config: { key: "k" } }] }],
      global_rules: { "request-id": {} },
      plugin_metadata: { "request-id": { a: 1 } },
    });
    assert.deepEqual(imported.sections, {
      services: [{
        id: "my-service",
        name: "my service",
        upstream: { nodes: [{ host: "10.0.0.1", port: 80, weight: 1 }] },
      }],
      routes: [
        { name: "list", uris: ["/v1/users"], methods: ["GET"], id: "my-service-list", service_id: "my-service" },
        { name: "list", uris: ["/v1/groups"], id: "my-service-list-2", service_id: "my-service" },
      ],
      consumers: [{
        username: "jack",
        credentials: [{ id: "main", name: "main", plugins: { "key-auth": { key: "k" } } }],
      }],
      global_rules: [{ id: "request-id", plugins: { "request-id": {} } }],
      plugin_metadata: [{ id: "request-id", a: 1 }],
    });
    assert.deepEqual(await issuesOf(imported), []);
  });

  it("takes certificates out of their list", () => {
    const { sections } = importApisix({
      ssls: [{ snis: ["*.a.com"], certificates: [{ certificate: "C", key: "K" }, { certificate: "C2", key: "K2" }] }],
    });
    assert.deepEqual(sections.ssls, [
      { id: "wildcard.a.com", snis: ["*.a.com"], cert: "C", key: "K", certs: ["C2"], keys: ["K2"] },
    ]);
  });
});

describe("import openapi", () => {
  const document = {
    openapi: "3.1.0",
    servers: [{ url: "https://{host}/v1", variables: { host: { default: "api.example.com" } } }],
    security: [{ key: [] }],
    paths: {
      "/pets": { get: { operationId: "listPets", security: [] }, post: { operationId: "createPet" } },
      "/pets/{id}.json": { get: {}, delete: { security: [{ oauth: [] }] } },
    },
    components: {
      securitySchemes: { key: { type: "apiKey", in: "header", name: "X-Key" }, oauth: { type: "oauth2" } },
    },
  };

  it("makes a route for each path and way to authenticate", async () => {
    const imported = importOpenapi(document);
    const routes = imported.sections.routes as Record<string, unknown>[];
    assert.deepEqual(routes.map(({ id, uri, methods, plugins }) => [id, uri, methods, plugins]), [
      ["listPets", "/v1/pets", ["GET"], undefined],
      ["createPet", "/v1/pets", ["POST"], { "key-auth": { header: "X-Key" } }],
      ["get-pets-id-.json", "/v1/pets/*", ["GET"], { "key-auth": { header: "X-Key" } }],
      ["delete-pets-id-.json", "/v1/pets/*", ["DELETE"], {
        "fault-injection": { abort: { http_status: 403, body: "This way to authenticate is not configured" } },
      }],
    ]);
    assert.deepEqual(routes[2]?.vars, [["uri", "~~", "^/v1/pets/[^/]+\\.json$"]]);
    assert.deepEqual(imported.notes, [
      'servers: the variable host is taken as "api.example.com"',
      "securitySchemes.oauth: oauth2 has no counterpart: its operations are closed to everybody",
    ]);
    assert.deepEqual(await issuesOf(imported), []);
  });

  it("sends to --upstream where it is given", () => {
    const [upstream] = importOpenapi(document, { upstream: "http://10.0.0.1:8080" }).sections.upstreams as {
      nodes: unknown;
    }[];
    assert.deepEqual(upstream?.nodes, [{ host: "10.0.0.1", port: 8080, weight: 1 }]);
  });
});

describe("import traefik", () => {
  const services = { api: { loadBalancer: { servers: [{ url: "http://10.0.0.1:8080" }] } } };
  const route = (router: object, middlewares: object = {}) =>
    importTraefik({ http: { routers: { r: { service: "api", ...router } }, services, middlewares } });

  it("multiplies a rule out to routes", async () => {
    const imported = route({
      rule: "(Host(`a.com`) || Host(`B.com`)) && PathPrefix(`/api`) && !Header(`X-No`, `1`) && Method(`GET`)",
    });
    const routes = imported.sections.routes as Record<string, unknown>[];
    assert.deepEqual(routes.map(({ id, uri, host, methods, vars }) => [id, uri, host, methods, vars]), [
      ["r", "/api*", "a.com", ["GET"], [["http_x_no", "~=", "1"]]],
      ["r-2", "/api*", "b.com", ["GET"], [["http_x_no", "~=", "1"]]],
    ]);
    assert.deepEqual(imported.notes, []);
    assert.deepEqual(await issuesOf(imported), []);
  });

  it("takes middlewares that have a counterpart", async () => {
    const imported = route({ rule: "PathPrefix(`/a`)", middlewares: ["strip@file", "limit", "allow", "set"] }, {
      strip: { stripPrefix: { prefixes: ["/a"] } },
      limit: { rateLimit: { average: 100, period: "1m", burst: 5 } },
      allow: { ipAllowList: { sourceRange: ["10.0.0.0/8"] } },
      set: { headers: { customResponseHeaders: { "X-A": "1", "X-B": "" } } },
    });
    const [{ plugins } = {}] = imported.sections.routes as { plugins?: object }[];
    assert.deepEqual(Object.keys(plugins ?? {}), ["proxy-rewrite", "limit-req", "ip-restriction", "response-rewrite"]);
    assert.deepEqual(await issuesOf(imported), []);
  });

  it("leaves a router out whose middleware has none, as it may be what protects it", () => {
    const imported = route({ rule: "Path(`/admin`)", middlewares: ["auth"] }, {
      auth: { basicAuth: { users: ["a:b"] } },
    });
    assert.deepEqual(imported.sections.routes, []);
    assert.match(imported.notes[0] ?? "", /middleware auth \(basicAuth\): it has none; it is left out/);
    assert.deepEqual(route({ rule: "Path(`/admin`)", middlewares: ["gone"] }).sections.routes, []);
  });

  it("says where a rule cannot be read", () => {
    assert.equal(parseRule("Host(`a`) &&"), "a matcher such as Host(`a.com`) is missing at its end");
    assert.equal(parseRule("Host(`a`"), "a closing parenthesis is missing at its end");
    assert.match(route({ rule: "Weird(`a`)" }).notes[0] ?? "", /Weird\(`a`\) has no counterpart; it is left out/);
  });
});
