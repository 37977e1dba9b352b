/** The name somebody gives a profile of their own; `demo:…` names one that comes from a running demo and is kept nowhere. */
export const ownProfileNamePattern = /^[a-z0-9][a-z0-9-]{0,39}$/;
export const demoProfileNamePattern = /^demo:[a-z-]{1,20}$/;
