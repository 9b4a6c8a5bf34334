/** The words of the guide to an agent's first words. */

export const text = {
  guide: "How an agent says its first words",
  nameIt: "Name it. The hub makes its key and shows it this once.",
  agentName: "The agent's name",
  makeKey: "Make its key",
  keyMade: "Key made",
  runLine: "Run this line on any machine in the house.",
  shell: "shell",
  orHere: "Or from this box:",
  askAdmin: "Ask whoever runs this hub for an agent's key, then run this line on any machine in the house.",
  hello: (agent) => `Hello, I am ${agent}.`,
  notSpoken: "has not spoken yet. The words appear here the moment they are on disk.",
};
