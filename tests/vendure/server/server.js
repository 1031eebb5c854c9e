// A Vendure server on loopback for the tests; everything it needs to know comes by environment.
"use strict";

process.env.VENDURE_DISABLE_TELEMETRY = "true";

const { bootstrap, dummyPaymentHandler, manualFulfillmentHandler } = require("@vendure/core");

const env = process.env;

function database() {
  if (!env.VENDURE_POSTGRES_PORT) {
    return { type: "sqljs", synchronize: true };
  }
  return {
    type: "postgres",
    host: "127.0.0.1",
    port: Number(env.VENDURE_POSTGRES_PORT),
    username: env.VENDURE_POSTGRES_USER,
    password: env.VENDURE_POSTGRES_PASSWORD,
    database: env.VENDURE_POSTGRES_DATABASE,
    synchronize: true,
  };
}

const config = {
  apiOptions: { hostname: "127.0.0.1", port: Number(env.VENDURE_PORT) },
  authOptions: {
    tokenMethod: ["bearer", "cookie"],
    superadminCredentials: { identifier: env.VENDURE_USER, password: env.VENDURE_PASSWORD },
  },
  dbConnectionOptions: database(),
  paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler] },
  shippingOptions: { fulfillmentHandlers: [manualFulfillmentHandler] },
};

if (env.VENDURE_TIED) {
  // The parent holds the other end of this pipe: when it dies, however it dies, so do we.
  process.stdin.on("end", () => process.exit(0)).resume();
}

bootstrap(config).catch((error) => {
  console.error(error);
  process.exit(1);
});
