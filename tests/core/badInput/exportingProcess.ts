import { plainConsole, expectDone } from '#demo/staff.ts';

// A workstation of its own for the test that puts it to sleep: exports under a request and tells how it ended.
const [folder = '', request = '', target = ''] = process.argv.slice(2);
const console_ = plainConsole({ profileFolder: folder, demoFolder: folder });
await expectDone(console_, 'session.signIn', { profile: 'demo:operator' });
const { jobId } = await expectDone(console_, 'exports.start', { requestId: Number(request), folder: target });
process.stdout.write('running\n');
const { job } = await expectDone(console_, 'jobs.wait', { id: jobId });
process.stdout.write(`${JSON.stringify({ state: job.state, result: job.result, failure: job.failure })}\n`);
await console_.close();
