export { explanationOperations } from './operations.ts';
