/**
 * Tells `change` when this page has changed something, so that what is shown is asked for at once, and
 * `unauthenticated` when the service knows whoever looks no more.
 */
export const changes = new EventTarget();
