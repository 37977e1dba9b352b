export { batchOperations } from './operations.ts';
