/** What clients send on one connection: requests that are in order, one behind the other. */
export interface Sample {
  readonly name: string;
  readonly wire: string;
  /** Method, target and body of each. */
  readonly requests: readonly (readonly [method: string, target: string, body: string | undefined])[];
  /** Whether the connection ends after the last. */
  readonly closes?: boolean;
}

export const SAMPLES: readonly Sample[] = [
  { name: "one without a body", wire: "GET /a HTTP/1.1\r\nHost: x\r\n\r\n", requests: [["GET", "/a", ""]] },
  {
    name: "a body of a known length, then another request",
    wire:
      "POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nHelloWorldGET /next HTTP/1.1\r\nHost: x\r\n\r\n",
    requests: [["POST", "/a?b=c", "HelloWorld"], ["GET", "/next", ""]],
  },
  {
    name: "a body that looks like a request",
    wire:
      "PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 36\r\n\r\nGET /inner HTTP/1.1\r\nHost: inner\r\n\r\n\r\nDELETE /b HTTP/1.1\r\nHost: x\r\n\r\n",
    requests: [["PUT", "/a", "GET /inner HTTP/1.1\r\nHost: inner\r\n\r\n"], ["DELETE", "/b", ""]],
  },
  {
    name: "chunks with extensions and trailers, then another request",
    wire: "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" +
      '4;a=b\r\nWiki\r\n5\r\npedia\r\n0a;q="x"\r\n0123456789\r\n0\r\nX-Sum: abc\r\n\r\nHEAD /d HTTP/1.1\r\nHost: x\r\n\r\n',
    requests: [["POST", "/c", "Wikipedia0123456789"], ["HEAD", "/d", ""]],
  },
  {
    name: "chunks that look like a request",
    wire: "POST /c HTTP/1.1\r\nHost: x\r\ntransfer-encoding: Chunked\r\n\r\n" +
      "24\r\nGET /inner HTTP/1.1\r\nHost: inner\r\n\r\n\r\n0\r\n\r\nGET /d HTTP/1.1\r\nHost: x\r\n\r\n",
    requests: [["POST", "/c", "GET /inner HTTP/1.1\r\nHost: inner\r\n\r\n"], ["GET", "/d", ""]],
  },
  {
    name: "bodies that nobody reads",
    wire: "POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello" +
      "POST /unread HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" +
      "GET /z HTTP/1.1\r\nHost: x\r\n\r\n",
    requests: [["POST", "/unread", undefined], ["POST", "/unread", undefined], ["GET", "/z", ""]],
  },
  {
    name: "empty lines between requests",
    wire: "\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n",
    requests: [["GET", "/a", ""], ["GET", "/b", ""]],
  },
  {
    name: "the last one of a connection",
    wire: "GET /a HTTP/1.1\r\nHost: x\r\nConnection: Close\r\n\r\nGET /never HTTP/1.1\r\nHost: x\r\n\r\n",
    requests: [["GET", "/a", ""]],
    closes: true,
  },
  {
    name: "HTTP/1.0, once kept and once not",
    wire:
      "GET /a HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\nGET /b HTTP/1.0\r\nHost: x\r\n\r\nGET /never HTTP/1.0\r\nHost: x\r\n\r\n",
    requests: [["GET", "/a", ""], ["GET", "/b", ""]],
    closes: true,
  },
  {
    name: "absolute form, odd targets, fields of one name",
    wire:
      "GET http://x/y?z HTTP/1.1\r\nHost: x\r\nA: 1\r\na: \t2 \r\nB:\r\n\r\nOPTIONS /%2e//|? HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
    requests: [["GET", "/y?z", ""], ["OPTIONS", "/%2e//|?", ""]],
  },
  {
    name: "a body that waits to be asked for",
    wire:
      "POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nokGET /b HTTP/1.1\r\nHost: x\r\n\r\n",
    requests: [["POST", "/a", "ok"], ["GET", "/b", ""]],
  },
];
