import ipaddr from 'ipaddr.js';

/**
 * Which hosts requests of a user may go to. With an empty list every public one, else only those listed. A host
 * of the inside network (loopback, private, link-local, …) has to be listed in any case: else whoever may write
 * a row or a flow could make the machine ask its own neighbours.
 */
export interface HostRules {
  /** `example.org`, `example.org:8443`, `*.example.org`, `10.0.0.7`, `[::1]:8080`; `*` is every public host. */
  allow: readonly string[];
}

/** Whether a URL is named by the list. */
export function isListed({ allow }: HostRules, url: URL): boolean {
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  const host = url.hostname.toLowerCase();
  return allow.some((entry) => {
    const [, wantedHost = '', wantedPort] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
    if (wantedPort !== undefined && wantedPort !== port) return false;
    if (wantedHost === '*') return false;
    if (wantedHost.startsWith('*.')) return host.endsWith(wantedHost.slice(1)) && host.length > wantedHost.length - 1;
    return wantedHost !== '' && wantedHost === host;
  });
}

/**
 * Why a request may not go to a URL, as far as the URL itself tells, or null. What a name resolves to is looked
 * at when the connection is made.
 */
export function hostProblem(rules: HostRules, url: URL): string | null {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return `${url.protocol}// is not http or https`;
  if (url.username !== '' || url.password !== '') return 'an address with user or password is not allowed';
  if (isListed(rules, url)) return null;
  if (rules.allow.length > 0 && !rules.allow.includes('*')) return `${url.host} is not among the hosts allowed`;
  const literal = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (!ipaddr.isValid(literal)) return null;
  return isPublicAddress(literal) ? null : `${url.host} is an address of the inside network`;
}

/** Whether an IP address belongs to the internet at large, also one that is wrapped in IPv6. */
export function isPublicAddress(address: string): boolean {
  const bare = address.replace(/%.*$/, '');
  if (!ipaddr.isValid(bare)) return false;
  return ipaddr.process(bare).range() === 'unicast';
}
