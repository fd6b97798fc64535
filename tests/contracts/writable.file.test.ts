import { writableFileContract } from "./writable.file.ts";

writableFileContract("resources.yaml", "# A file of somebody's.\nroutes: []\n#END\n");
writableFileContract("resources.json", '{\n  "routes": []\n}\n');
