// waits
import { etcdContract } from "./source.etcd.ts";

etcdContract("json");
