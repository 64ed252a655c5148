import { describe, expect, test } from 'vitest';
import { hostProblem, isPublicAddress } from '../../domain/host-rules.ts';

const ask = (url: string, allow: string[] = []): string | null => hostProblem({ allow }, new URL(url));

describe('hosts that requests may go to', () => {
  test('with an empty list every public host is one, and no address of the inside network', () => {
    expect(ask('https://example.org/x')).toBeNull();
    expect(ask('http://93.184.216.34/')).toBeNull();
    for (const host of ['127.0.0.1', '10.1.2.3', '192.168.0.9', '169.254.169.254', '[::1]', '[fd00::1]', '0.0.0.0']) {
      expect(ask(`http://${host}/`)).toMatch(/inside network/);
    }
  });

  test('other ways to write an inner address do not help', () => {
    for (const host of ['0x7f.1', '2130706433', '017700000001', '[::ffff:10.0.0.1]', '[::ffff:7f00:1]']) {
      expect(ask(`http://${host}/`)).toMatch(/inside network/);
    }
  });

  test('with a list only those on it are, inner ones too, with their port if one is named', () => {
    const allow = ['hooks.example.org', '*.example.net', '127.0.0.1:8080', '[::1]'];
    expect(ask('https://hooks.example.org/x', allow)).toBeNull();
    expect(ask('https://HOOKS.example.org:8443/x', allow)).toBeNull();
    expect(ask('https://a.example.net/', allow)).toBeNull();
    expect(ask('http://127.0.0.1:8080/', allow)).toBeNull();
    expect(ask('http://[::1]:99/', allow)).toBeNull();
    for (const url of [
      'http://127.0.0.1:22/',
      'https://example.net/',
      'https://xexample.net/',
      'https://example.org/',
    ]) {
      expect(ask(url, allow)).toMatch(/not among the hosts allowed/);
    }
  });

  test('a star adds every public host to the list, and no inner one', () => {
    expect(ask('https://example.org/', ['*', '10.0.0.7'])).toBeNull();
    expect(ask('http://10.0.0.7/', ['*', '10.0.0.7'])).toBeNull();
    expect(ask('http://10.0.0.8/', ['*', '10.0.0.7'])).toMatch(/inside network/);
  });

  test('only http and https without user and password are asked', () => {
    expect(ask('ftp://example.org/')).toMatch(/not http/);
    expect(ask('https://me:pw@example.org/', ['example.org'])).toMatch(/user or password/);
  });

  test('carrier-grade, documentation and wrapped addresses are not public', () => {
    for (const address of ['100.64.0.1', '192.0.2.1', '64:ff9b::a00:1', '2002:a00:1::', 'fe80::1%eth0', 'nonsense']) {
      expect(isPublicAddress(address)).toBe(false);
    }
    expect(isPublicAddress('2606:2800:220:1:248:1893:25c8:1946')).toBe(true);
  });
});
