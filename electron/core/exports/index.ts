export { keyOperations } from './keyOperations.ts';
export { exportOperations, type ExportPace } from './operations.ts';
export { packageOperations } from './packageOperations.ts';
