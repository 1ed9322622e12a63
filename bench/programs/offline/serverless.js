// The notes service on the Serverless Framework 3 with the plugin serverless-offline.
"use strict";
module.exports = {
  service: "notes",
  frameworkVersion: "3",
  configValidationMode: "error",
  plugins: ["serverless-offline"],
  provider: {
    name: "aws", runtime: "nodejs20.x", region: "us-east-1", memorySize: 256, timeout: 10,
    environment: {
      NOTES_TABLE: "dev-notes-notes", AWS_ENDPOINT_URL_DYNAMODB: process.env.BENCH_DYNAMODB,
      AWS_ACCESS_KEY_ID: "none", AWS_SECRET_ACCESS_KEY: "none",
    },
  },
  functions: {
    "create-note": { handler: "handler.create", events: [{ httpApi: { method: "POST", path: "/notes" } }] },
    "get-note": { handler: "handler.get", events: [{ httpApi: { method: "GET", path: "/notes/{id}" } }] },
  },
  custom: { "serverless-offline": { noPrependStageInUrl: true, reloadHandler: false, useInProcess: process.env.BENCH_IN_PROCESS === "true" } },
};
