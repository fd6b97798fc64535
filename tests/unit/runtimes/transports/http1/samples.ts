/** Answers that are in order: what was asked, the bytes, and what they say. */
export interface Sample {
  readonly name: string;
  readonly method?: string;
  readonly wire: string;
  readonly status: number;
  readonly body: string;
  readonly keepAlive: boolean;
  readonly interim?: readonly number[];
  readonly trailers?: readonly string[];
  /** The body ends with the connection. */
  readonly closes?: boolean;
}

export const SAMPLES: readonly Sample[] = [
  {
    name: "a body of a known length",
    wire: "HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 10\r\n\r\nHelloWorld",
    status: 200,
    body: "HelloWorld",
    keepAlive: true,
  },
  {
    name: "no body",
    wire: "HTTP/1.1 404 Not Found\r\ncontent-length:0\r\nX-Empty:\r\n\r\n",
    status: 404,
    body: "",
    keepAlive: true,
  },
  {
    name: "chunks with extensions and trailers",
    wire: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
      '4;a=b\r\nWiki\r\n5\r\npedia\r\n0a;q="x"\r\n0123456789\r\n0\r\nX-Sum: abc\r\nY: \t z \r\n\r\n',
    status: 200,
    body: "Wikipedia0123456789",
    keepAlive: true,
    trailers: ["X-Sum", "abc", "Y", "z"],
  },
  {
    name: "chunks of nothing",
    wire: "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\nConnection: close\r\n\r\n000\r\n\r\n",
    status: 200,
    body: "",
    keepAlive: false,
  },
  {
    name: "a body up to the end of the connection",
    wire: "HTTP/1.0 200 OK\r\nServer: old\r\n\r\nup to\r\n\r\nthe end",
    status: 200,
    body: "up to\r\n\r\nthe end",
    keepAlive: false,
    closes: true,
  },
  {
    name: "HTTP/1.0 that keeps the connection",
    wire: "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nok",
    status: 200,
    body: "ok",
    keepAlive: true,
  },
  {
    name: "interim answers before the answer",
    wire:
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\n!",
    status: 201,
    body: "!",
    keepAlive: true,
    interim: [100, 103],
  },
  {
    name: "an answer to HEAD",
    method: "HEAD",
    wire: "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
    status: 200,
    body: "",
    keepAlive: true,
  },
  {
    name: "304 with a length",
    wire: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\nETag: "a"\r\n\r\n',
    status: 304,
    body: "",
    keepAlive: true,
  },
  { name: "204 without a reason", wire: "HTTP/1.1 204\r\n\r\n", status: 204, body: "", keepAlive: true },
  {
    name: "fields of one name, Latin-1, many blanks",
    wire:
      "HTTP/1.1 200 \xc9t\xe9\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nX: \t  caf\xe9 \t\r\nContent-Length: 3\r\n\r\n\0\r\n",
    status: 200,
    body: "\0\r\n",
    keepAlive: true,
  },
];
