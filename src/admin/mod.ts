/**
 * The control API and the Admin API, for applications that embed the gateway and want to serve them themselves.
 *
 * @module
 */
export { type AdminOptions, createAdmin } from "./admin.ts";
export type { AdminKey } from "./keys.ts";
export { type ControlledGateway, type ControlOptions, createControl } from "./control.ts";
