import ipaddr from "ipaddr.js";

const OCTET = "(?:[0-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5])";
/** Four decimal octets and nothing else: `0x7f.1` and `010.0.0.1` mean different things to different parsers. */
const IPV4 = new RegExp(`^(?:${OCTET}\\.){3}${OCTET}$`);

/** Whether a text is an IPv4 address in dotted decimal. */
export function isIpv4(text: string): boolean {
  return IPV4.test(text);
}

/** Whether a text is an IPv6 address, without brackets and without a zone. */
export function isIpv6(text: string): boolean {
  // Asked first, since ipaddr.js throws and catches inside for every text that is no address, as `10.0.0.7:80`.
  // The length comes first: the expression takes time in the cube of it.
  return text.length <= 45 && /^[0-9a-fA-F:.]*:[0-9a-fA-F.]*:[0-9a-fA-F:.]*$/.test(text) && ipaddr.IPv6.isValid(text);
}

/** Whether a text is an IPv4 or IPv6 address. */
export function isAddress(text: string): boolean {
  return isIpv4(text) || isIpv6(text);
}

/** Whether a text is an IPv4 or IPv6 address, or a range of them in CIDR notation. */
export function isAddressRange(text: string): boolean {
  const slash = text.indexOf("/");
  if (slash < 0) return isAddress(text);
  const address = text.slice(0, slash);
  const bits = text.slice(slash + 1);
  if (!/^(0|[1-9][0-9]{0,2})$/.test(bits)) return false;
  return isIpv4(address) ? Number(bits) <= 32 : isIpv6(address) && Number(bits) <= 128;
}
