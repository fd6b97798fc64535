import type { BunPlugin } from "bun";
import { dirname, join } from "node:path";
import protobuf from "protobufjs";

/** The call by which etcd3 reads its schema from disk when it is loaded. */
const CALL = /loadSync\)?\(`\$\{__dirname\}\/\.\.\/proto\/rpc\.proto`/;

/**
 * Puts etcd3's schema into the bundle. etcd3 reads `proto/rpc.proto` from disk when it is imported, and a bundle would have the
 * path of the machine that built it baked in, and fail elsewhere with ENOENT.
 *
 * @throws Error where etcd3 no longer reads its schema as it did: better no executable than one that fails elsewhere
 */
export const etcdProto: BunPlugin = {
  name: "etcd-proto",
  setup(build) {
    build.onLoad({ filter: /[\\/]etcd3[\\/]lib[\\/]connection-pool\.js$/ }, async ({ path }) => {
      const text = await Bun.file(path).text();
      if (!CALL.test(text)) throw new Error(`Cannot inline etcd3's schema: ${path} does not read it where it did`);
      // keepCase: without it `range_end` would be lost, and every read of a prefix would silently give nothing.
      const root = await new protobuf.Root().load(join(dirname(path), "../proto/rpc.proto"), { keepCase: true });
      const json = JSON.stringify(root.toJSON());
      return {
        contents: text.replace(CALL, (call) => `${call.split("(`")[0]?.replace("loadSync", "fromJSON")}(${json}`),
        loader: "js",
      };
    });
  },
};
