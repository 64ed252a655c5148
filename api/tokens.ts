/** Names under which Nest hands out what is no class of ours. */
export const loggerToken = Symbol('logger');
export const settingsToken = Symbol('settings');
export const documentToken = Symbol('document');
export const homeToken = Symbol('home');
