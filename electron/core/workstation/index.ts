export { workstationOperations, type WorkstationPorts } from './operations.ts';
