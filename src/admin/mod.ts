/**
 * The control API, for applications that embed the gateway and want to serve it themselves.
 *
 * @module
 */
export { type ControlledGateway, type ControlOptions, createControl } from "./control.ts";
