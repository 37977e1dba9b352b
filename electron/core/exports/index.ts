export { exportOperations, type ExportPace } from './operations.ts';
