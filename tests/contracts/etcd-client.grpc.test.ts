// waits
import { etcdClientContract } from "./etcd-client.ts";

etcdClientContract("grpc");
