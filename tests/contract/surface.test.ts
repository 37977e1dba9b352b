import { readdir, readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { contract } from '#shared/contract/index.ts';

/**
 * Everything the window, the command line or an attacker in the page can ask
 * for, with what it does and who may. A line more or a right more is a change
 * to be read by two people.
 */
const pinned = {
  'profiles.list': ['local', 'anyone'],
  'profiles.save': ['local', 'anyone'],
  'profiles.remove': ['local', 'anyone'],
  'profiles.test': ['local', 'anyone'],
  'session.current': ['local', 'anyone'],
  'session.signIn': ['write', 'anyone'],
  'session.signOut': ['local', 'anyone'],
  'session.lock': ['local', 'anyone'],
  'session.unlock': ['local', 'anyone'],
  'database.status': ['local', 'anyone'],
  'database.script': ['local', 'anyone'],
  'database.install': ['write', 'anyone'],
  'database.uninstall': ['local', 'anyone'],
  'database.indexes': ['local', 'anyone'],
  'staff.list': ['read', 'staff'],
  'staff.add': ['write', ['admin']],
  'staff.changes': ['read', 'staff'],
  'staff.decide': ['write', ['admin', 'approver']],
  'staff.remove': ['write', ['admin']],
  'map.draft': ['local', 'anyone'],
  'map.explain': ['local', 'anyone'],
  'map.inventory': ['local', 'anyone'],
  'map.saveInventory': ['read', 'staff'],
  'map.importFides': ['local', 'anyone'],
  'map.exportFides': ['local', 'anyone'],
  'map.show': ['read', 'staff'],
  'map.check': ['read', 'staff'],
  'map.compare': ['read', 'staff'],
  'map.propose': ['write', ['admin']],
  'map.gaps': ['read', 'staff'],
  'map.changes': ['read', 'staff'],
  'map.change': ['read', 'staff'],
  'map.decide': ['write', ['admin', 'approver']],
  'map.checkBucket': ['reveal', ['auditor', 'admin']],
  'map.checkFile': ['local', 'anyone'],
  'requests.list': ['read', 'staff'],
  'requests.show': ['read', 'staff'],
  'requests.open': ['write', ['operator']],
  'requests.assign': ['write', ['operator']],
  'requests.link': ['write', ['operator']],
  'requests.close': ['write', ['operator']],
  'search.run': ['reveal', ['viewer', 'operator']],
  'subjects.open': ['reveal', ['viewer', 'operator']],
  'subjects.close': ['write', ['viewer', 'operator']],
  'subjects.show': ['read', ['viewer', 'operator']],
  'subjects.page': ['read', ['viewer', 'operator']],
  'subjects.reached': ['read', ['viewer', 'operator']],
  'subjects.reachedRows': ['read', ['viewer', 'operator']],
  'subjects.series': ['read', ['viewer', 'operator']],
  'subjects.reveal': ['reveal', ['viewer', 'operator']],
  'subjects.act': ['write', ['operator']],
  'subjects.objects': ['read', ['viewer', 'operator']],
  'exports.start': ['reveal', ['operator']],
  'exports.resume': ['reveal', ['operator']],
  'exports.list': ['read', 'staff'],
  'exports.abandon': ['write', ['operator', 'approver', 'admin']],
  'exports.askRelease': ['write', ['operator']],
  'exports.decideRelease': ['write', ['approver', 'operator']],
  'exports.releases': ['read', 'staff'],
  'keys.list': ['read', 'staff'],
  'keys.retire': ['write', ['operator', 'approver']],
  'packages.verify': ['local', 'anyone'],
  'reviews.open': ['reveal', ['operator']],
  'reviews.show': ['read', ['operator']],
  'reviews.page': ['read', ['operator']],
  'reviews.files': ['read', ['operator']],
  'reviews.redact': ['write', ['operator']],
  'reviews.withdraw': ['write', ['operator']],
  'reviews.redactions': ['read', 'staff'],
  'packages.records': ['local', 'anyone'],
  'packages.files': ['local', 'anyone'],
  'packages.picture': ['local', 'anyone'],
  'delivery.inspect': ['local', 'staff'],
  'delivery.write': ['write', ['operator']],
  'delivery.join': ['local', 'anyone'],
  'copies.list': ['read', 'staff'],
  'copies.shred': ['write', ['operator']],
  'copies.expire': ['local', ['operator']],
  'custody.record': ['write', ['operator', 'approver']],
  'custody.list': ['read', 'staff'],
  'erasure.plan': ['reveal', ['operator']],
  'erasure.list': ['read', 'staff'],
  'erasure.show': ['read', 'staff'],
  'erasure.decide': ['write', ['approver', 'operator']],
  'erasure.run': ['write', ['operator']],
  'erasure.held': ['read', 'staff'],
  'erasure.pause': ['write', ['admin']],
  'erasure.continue': ['write', ['admin']],
  'erasure.cancel': ['write', ['operator', 'approver']],
  'erasure.doTask': ['write', ['operator']],
  'erasure.judge': ['write', ['approver', 'operator']],
  'erasure.certificate': ['read', 'staff'],
  'erasure.signCertificate': ['write', ['operator']],
  'erasure.saveCertificate': ['read', 'staff'],
  'holds.list': ['read', 'staff'],
  'holds.place': ['write', ['operator', 'approver', 'admin']],
  'holds.review': ['write', ['operator', 'approver', 'admin']],
  'holds.proposeLift': ['write', ['operator', 'approver', 'admin']],
  'holds.decideLift': ['write', ['approver']],
  'restrictions.list': ['read', 'staff'],
  'restrictions.place': ['write', ['operator', 'approver']],
  'restrictions.except': ['write', ['operator', 'approver']],
  'restrictions.told': ['write', ['operator', 'approver']],
  'restrictions.lift': ['write', ['approver']],
  'erasure.seekErased': ['reveal', ['approver', 'auditor']],
  'erasure.ledger': ['read', 'staff'],
  'erasure.saveLedger': ['write', ['operator']],
  'erasure.replayLedger': ['write', ['operator']],
  'erasure.replays': ['read', 'staff'],
  'certificates.verify': ['local', 'anyone'],
  'audit.list': ['read', 'staff'],
  'audit.detail': ['reveal', ['auditor']],
  'audit.verify': ['write', ['auditor', 'approver', 'admin']],
  'audit.export': ['write', ['auditor', 'admin']],
  'audit.restores': ['read', 'staff'],
  'audit.declareRestore': ['write', ['admin']],
  'audit.decideRestore': ['write', ['auditor', 'approver']],
  'jobs.list': ['local', 'anyone'],
  'jobs.wait': ['local', 'anyone'],
  'jobs.cancel': ['local', 'anyone'],
  'dialogs.chooseFolder': ['local', 'anyone'],
  'dialogs.chooseFile': ['local', 'anyone'],
  'clipboard.copy': ['local', 'staff'],
  'about.show': ['local', 'anyone'],
};

test('the contract asks for exactly what is pinned here', () => {
  expect(
    Object.fromEntries(
      Object.entries(contract).map(([name, { effect, permission }]) => [name, [effect, permission]]),
    ),
  ).toEqual(pinned);
});

test('no operation gives a secret back: passwords and keys only go in', () => {
  for (const [name, operation] of Object.entries(contract)) {
    const shape = JSON.stringify(operation.output.toJSONSchema({ unrepresentable: 'any' }));
    expect(shape, name).not.toMatch(/"(password|secretAccessKey|accessKeyId|token)"/i);
  }
});

test('what the window can do, the command line can', async () => {
  const folder = new URL('../../electron/cli/', import.meta.url);
  const written = await Promise.all(
    (await readdir(folder)).map((name) => readFile(new URL(name, folder), 'utf8')),
  );
  const missing = Object.keys(contract).filter((name) => !written.some((text) => text.includes(`'${name}'`)));
  // What has no meaning without a window: locks, dialogs, the clipboard; a command signs out by ending.
  expect(missing).toEqual([
    'session.current',
    'session.signOut',
    'session.lock',
    'session.unlock',
    'packages.picture',
    'dialogs.chooseFolder',
    'dialogs.chooseFile',
    'clipboard.copy',
  ]);
});
