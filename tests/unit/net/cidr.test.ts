import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import ipaddr from "ipaddr.js";
import { type AddressTest, compileCidrs, isAddress } from "../../../src/net/cidr.ts";

function compile(...list: string[]): AddressTest {
  const compiled = compileCidrs(list);
  assert.equal(typeof compiled, "function");
  return compiled as AddressTest;
}

describe("compileCidrs", () => {
  const cases: readonly [list: string[], inside: string[], outside: string[]][] = [
    [["10.0.0.0/8"], ["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3", "::ffff:a01:203"], [
      "9.255.255.255",
      "11.0.0.0",
      "::a01:203",
    ]],
    [["127.0.0.3/24"], ["127.0.0.1", "127.0.0.255"], ["127.0.1.1"]],
    [["192.0.2.7"], ["192.0.2.7"], ["192.0.2.6", "192.0.2.8", "192.0.2.70"]],
    [["0.0.0.0/0"], ["1.2.3.4", "::ffff:1.2.3.4"], ["::1", "2001:db8::1"]],
    [["::/0"], ["::1", "2001:db8::1", "1.2.3.4"], []],
    [["fe80::1/64"], ["fe80::1", "fe80::ffff:ffff:ffff:ffff", "fe80::1%eth0"], ["fe80:fe::1", "fe80:0:0:1::", "::1"]],
    [["2001:DB8::/32"], ["2001:db8:1::1", "2001:0DB8::"], ["2001:db9::"]],
    [["::1", "::3"], ["::1", "0:0:0:0:0:0:0:1", "::3"], ["::2", "127.0.0.1"]],
    [["::ffff:192.0.2.0/120"], ["192.0.2.9", "::ffff:192.0.2.9"], ["192.0.3.9"]],
    [["10.0.0.0/9", "10.128.0.0/9", "10.64.0.0/10"], ["10.127.255.255", "10.128.0.0"], ["11.0.0.0"]],
    [[], [], ["127.0.0.1"]],
  ];
  for (const [list, inside, outside] of cases) {
    it(`holds ${inside.join(", ")} and not ${outside.join(", ")} in ${JSON.stringify(list)}`, () => {
      const test = compile(...list);
      for (const address of inside) assert.equal(test(address), true, address);
      for (const address of outside) assert.equal(test(address), false, address);
    });
  }

  it("holds nothing that is no address", () => {
    const test = compile("0.0.0.0/0", "::/0");
    for (
      const text of [
        "",
        "a",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.256",
        "01.2.3.4",
        "1.2.3.4:80",
        "[::1]",
        ":::",
        "::1::",
        "1:2:3:4:5:6:7:8:9",
        ":1:2:3:4:5:6:7",
        "12345::",
        "::1.2.3",
        "1:2:3:4:5:6:7:1.2.3.4",
        "1::2:",
        "1.2.3.4::",
        "::g",
        ":",
        "1:",
      ]
    ) {
      assert.equal(test(text), false, text);
      assert.equal(isAddress(text), false, text);
    }
  });

  it("tells each entry that cannot be read", () => {
    const issues = compileCidrs([
      "10.0.0.0/8",
      "10.0.0.0/33",
      "10.0.0",
      "::/129",
      "fe80::1%eth0",
      "10.0.0.0/",
      "10.0.0.0/08",
      "x".repeat(1000),
    ]);
    assert.ok(Array.isArray(issues));
    assert.deepEqual(issues.map(({ index }) => index), [1, 2, 3, 4, 5, 6, 7]);
    assert.equal(issues[0]!.message, 'must have a prefix length from 0 to 32, is "10.0.0.0/33"');
    assert.equal(issues[1]!.message, 'must be an IPv4 or IPv6 address or a CIDR range, is "10.0.0"');
    assert.ok(issues[6]!.message.length < 150);
  });

  it("agrees with ipaddr.js", () => {
    // Few values, so that ranges meet addresses.
    const group = fc.constantFrom("0", "1", "ff", "fe80", "ffff");
    const octet = fc.constantFrom("0", "1", "127", "128", "255");
    const four = fc.tuple(octet, octet, octet, octet).map((parts) => parts.join("."));
    const six = fc.oneof(
      fc.array(group, { minLength: 8, maxLength: 8 }).map((parts) => parts.join(":")),
      fc.tuple(fc.array(group, { maxLength: 3 }), fc.array(group, { maxLength: 3 })).map(([a, b]) =>
        `${a.join(":")}::${b.join(":")}`
      ),
      four.map((address) => `::ffff:${address}`),
    );
    const ranges = fc.array(
      fc.oneof(
        fc.tuple(four, fc.integer({ min: 0, max: 32 })),
        fc.tuple(six, fc.integer({ min: 96, max: 128 })),
        fc.tuple(six, fc.integer({ min: 0, max: 128 })),
      ).map(([address, bits]) => `${address}/${bits}`),
      { minLength: 1, maxLength: 4 },
    );
    const wide = (text: string): ipaddr.IPv6 => {
      const parsed = ipaddr.parse(text);
      return parsed instanceof ipaddr.IPv4 ? parsed.toIPv4MappedAddress() : parsed;
    };
    fc.assert(
      fc.property(ranges, fc.oneof(four, six), (list, address) => {
        const expected = list.some((range) => {
          const [base = "", bits = ""] = range.split("/");
          return wide(address).match(wide(base), Number(bits) + (base.includes(":") ? 0 : 96));
        });
        assert.equal(compile(...list)(address), expected);
      }),
      { numRuns: 5000 },
    );
  });

  it("reads the same texts as addresses as ipaddr.js does", () => {
    const text = fc.oneof(
      fc.string({ unit: fc.constantFrom("0", "1", "f", ":", "::", ".", "255"), maxLength: 12 }),
      fc.ipV6(),
      fc.ipV4(),
    );
    fc.assert(
      fc.property(text, (address) => {
        const expected = ipaddr.IPv4.isValidFourPartDecimal(address) ||
          (address.includes(":") && ipaddr.IPv6.isValid(address));
        assert.equal(isAddress(address), expected, address);
      }),
      { numRuns: 10_000 },
    );
  });
});
