import { expect, test } from 'vitest';
import { neutraliseEnvironment, refusedSwitch } from '../../electron/main/switches.ts';

// Attack: the installed program is started so that it can be watched, driven, or talked out of its checks.
test.for([
  '--inspect',
  '--inspect-brk=0',
  '--remote-debugging-port=9222',
  '--remote-debugging-pipe',
  '-remote-debugging-port=9222',
  '--REMOTE-DEBUGGING-PORT=9222',
  '--no-sandbox',
  '--disable-web-security',
  '--disable-site-isolation-trials',
  '--disable-gpu-sandbox',
  '--load-extension=/tmp/x',
  '--host-resolver-rules=MAP * 127.0.0.1',
  '--ssl-key-log-file=/tmp/keys',
  '--ignore-certificate-errors',
  '--proxy-server=127.0.0.1:1',
  '--js-flags=--expose-gc',
  '--renderer-cmd-prefix=/tmp/x',
  '--gpu-launcher=/tmp/x',
  '--enable-features=X',
  '--user-data-dir=/tmp/x',
])('%s is refused, before and behind cli', (given) => {
  expect(refusedSwitch([given], 'linux')).toBeDefined();
  expect(refusedSwitch(['cli', 'audit', 'verify', given], 'linux')).toBeDefined();
});

test('Windows has a third way to write a switch', () => {
  expect(refusedSwitch(['/remote-debugging-port=9222'], 'win32')).toBe('--remote-debugging-port');
});

test('a window needs no switch that is not listed', () => {
  expect(refusedSwitch(['--some-new-switch'], 'linux')).toBe('--some-new-switch');
  expect(refusedSwitch([], 'linux')).toBeUndefined();
  expect(refusedSwitch(['--ozone-platform=wayland'], 'linux')).toBeUndefined();
});

test('the command line keeps its own options', () => {
  expect(
    refusedSwitch(['cli', 'search', '--profile', 'demo:operator', '--json', '-h'], 'linux'),
  ).toBeUndefined();
  expect(refusedSwitch(['cli', 'export', '--request', '12', '--out', 'folder'], 'linux')).toBeUndefined();
});

test('the environment can change neither where the console connects nor whom it trusts', () => {
  // Attack: a variable set in a login script sends the console to another server or switches its checks off.
  const environment: NodeJS.ProcessEnv = {
    PGHOST: 'evil.example',
    PGSSLMODE: 'disable',
    AWS_ENDPOINT_URL: 'http://evil.example',
    AWS_PROFILE: 'evil',
    NODE_TLS_REJECT_UNAUTHORIZED: '0',
    NODE_EXTRA_CA_CERTS: '/tmp/ca.pem',
    NODE_OPTIONS: '--inspect',
    SSLKEYLOGFILE: '/tmp/keys',
    https_proxy: 'http://evil.example',
    HTTPS_PROXY: 'http://evil.example',
    PATH: '/usr/bin',
    HOME: '/home/asha',
    NODE_ENV: 'production',
    DBUS_SESSION_BUS_ADDRESS: 'unix:path=/run/user/1000/bus',
  };
  neutraliseEnvironment(environment);
  expect(Object.keys(environment).sort()).toEqual(['DBUS_SESSION_BUS_ADDRESS', 'HOME', 'NODE_ENV', 'PATH']);
});
