/** Names under which Nest hands out what is no class of ours. */
export const loggerToken = Symbol('logger');
export const settingsToken = Symbol('settings');
export const homeToken = Symbol('home');
