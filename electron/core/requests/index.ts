export { requestOperations } from './operations.ts';
