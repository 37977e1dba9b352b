export { exportOperations } from './operations.ts';
export { packageOperations } from './packageOperations.ts';
export { exportsAtOnce, type ExportPace } from './run.ts';
export { openStagings } from './stagings.ts';
