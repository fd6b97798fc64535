import { parseResource, parseValue } from "../../../src/config/parse.ts";
import { schemaOf } from "../../../src/config/resource.ts";
import { decode } from "../../../src/config/decode.ts";
import * as v from "valibot";
const enc = new TextEncoder();
const items: Uint8Array[] = [];
for (let i = 0; i < 50000; i++) {
  items.push(
    enc.encode(
      JSON.stringify({
        uri: `/api/${i}/*`,
        name: `r${i}`,
        methods: ["GET", "POST"],
        hosts: [`h${i}.example.com`],
        upstream: { type: "roundrobin", nodes: { [`10.0.${i >> 8}.${i & 255}:80`]: 1 } },
      }),
    ),
  );
}
for (let k = 0; k < 4; k++) {
  const t = performance.now();
  let n = 0;
  for (let i = 0; i < 50000; i++) if (parseResource("route", String(i), items[i]!).ok) n++;
  console.log(n, performance.now() - t);
}
const vals = items.map((b) => JSON.parse(new TextDecoder().decode(b)));
const sch = schemaOf("route", "1")!;
{
  const t = performance.now();
  for (let i = 0; i < 50000; i++) v.safeParse(sch, vals[i]);
  console.log("valibot", performance.now() - t);
}
{
  const t = performance.now();
  for (let i = 0; i < 50000; i++) decode(items[i]!);
  console.log("decode", performance.now() - t);
}
