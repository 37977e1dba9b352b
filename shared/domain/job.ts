/** Whether a job has not come to its end: it works, or waits for its turn. */
export function isUnderWay(job: { readonly state: string }): boolean {
  return job.state === 'running' || job.state === 'waiting';
}
