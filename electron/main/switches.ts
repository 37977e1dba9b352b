/** Switches an installed console accepts: what a desktop needs to show a window, nothing that weakens it. */
const accepted = new Set([
  'disable-gpu',
  'force-device-scale-factor',
  'lang',
  'original-process-start-time',
  'ozone-platform',
  'ozone-platform-hint',
]);

/**
 * Names the first argument an installed console must not be started with. Chromium reads switches
 * wherever they stand, also behind `cli`; there only those that open or weaken the program are
 * refused, because the command line has options of its own.
 */
export function refusedSwitch(given: readonly string[], platform: NodeJS.Platform): string | undefined {
  const isCommandLine = given[0] === 'cli';
  for (const argument of given) {
    const name = switchName(argument, platform);
    if (name === undefined) continue;
    if (isCommandLine ? weakening.test(name) : !accepted.has(name)) return `--${name}`;
  }
  return undefined;
}

function switchName(argument: string, platform: NodeJS.Platform): string | undefined {
  const prefix = platform === 'win32' ? /^(?:--?|\/)([^=]+)/ : /^--?([^=]+)/;
  return prefix.exec(argument)?.[1]?.toLowerCase();
}

const weakening = new RegExp(
  `^(?:${[
    'inspect.*',
    'remote-(?:debugging|allow).*',
    'no-sandbox',
    'no-zygote.*',
    'disable-.*(?:sandbox|security|isolation|csp).*',
    'single-process',
    'in-process-gpu',
    '(?:load|disable-extensions-except|allowlisted)-?extension.*',
    'host-(?:resolver-)?rules',
    'ssl-key-log-file',
    'ignore-certificate.*',
    'allow-running-insecure-content',
    'allow-file-access.*',
    'proxy-.*',
    'js-flags',
    'log-net-log',
    '(?:enable|disable)-(?:features|blink-features)',
    '.*-cmd-prefix',
    '.*-launcher',
    'user-data-dir',
    'require|r|import|experimental-loader|loader|env-file.*',
  ].join('|')})$`,
);

/**
 * Takes from the environment what would change where the console connects or whom it trusts there:
 * PostgreSQL's and Amazon's variables, Node's own, key logs and proxies.
 */
export function neutraliseEnvironment(environment: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(environment)) {
    if (untrusted.test(name)) delete environment[name];
  }
}

const untrusted =
  /^(?:PG[A-Z]+|AWS_.*|NODE_(?!ENV$).*|SSLKEYLOGFILE|SSL_CERT_.*|OPENSSL_.*|(?:HTTPS?|ALL|NO)_PROXY)$/i;
