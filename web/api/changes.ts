/** Tells `change` when this page has changed something, so that what is shown is asked for at once. */
export const changes = new EventTarget();
