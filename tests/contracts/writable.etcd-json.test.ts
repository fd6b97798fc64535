// waits
import { writableEtcdContract } from "./writable.etcd.ts";

writableEtcdContract("json");
