/**
 * Executes CNI plugins of others: {@link ExecutedPlugins}. The one place where the daemon starts a process for a pod, as
 * the CNI specification demands ("Plugin Delegation").
 *
 * @packageDocumentation
 */
export { ExecutedPlugins, type ExecutedPluginsOptions } from './executed-plugins.ts'
