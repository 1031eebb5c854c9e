"""What Vendure's admin API is asked; the schema is that of 3.7."""

from __future__ import annotations

LOG_IN = """
mutation ($user: String!, $password: String!) {
  login(username: $user, password: $password) {
    __typename
    ... on ErrorResult { errorCode }
  }
}
"""

CHECK = """
query {
  activeChannel { token }
  globalSettings { serverConfig { moneyStrategyPrecision } }
  orders(options: {take: 1}) { totalItems }
  productVariants(options: {take: 1}) { totalItems }
}
"""

ORDERS = """
query ($options: OrderListOptions!) {
  globalSettings { serverConfig { moneyStrategyPrecision } }
  orders(options: $options) {
    totalItems
    items {
      id code state createdAt updatedAt orderPlacedAt currencyCode totalWithTax
      customer { firstName lastName emailAddress phoneNumber }
      shippingAddress {
        fullName company streetLine1 streetLine2 city province postalCode countryCode phoneNumber
      }
      shippingLines { shippingMethod { name } }
      lines { id quantity orderPlacedQuantity unitPriceWithTax productVariant { sku name } }
      payments { state amount refunds { state total } }
      fulfillments { id state method trackingCode createdAt lines { orderLineId quantity } }
    }
  }
}
"""

VARIANTS = """
query ($options: ProductVariantListOptions!) {
  globalSettings { trackInventory }
  productVariants(options: $options) {
    totalItems
    items { id sku trackInventory stockLevels { stockLocationId stockOnHand stockAllocated } }
  }
}
"""

SET_LEVELS = """
mutation ($input: [UpdateProductVariantInput!]!) {
  updateProductVariants(input: $input) {
    id
    stockLevels { stockLocationId stockOnHand stockAllocated }
  }
}
"""

ADD_FULFILLMENT = """
mutation ($input: FulfillOrderInput!) {
  addFulfillmentToOrder(input: $input) {
    __typename
    ... on Fulfillment { id }
    ... on ErrorResult { errorCode }
  }
}
"""

MOVE_FULFILLMENT = """
mutation ($id: ID!, $state: String!) {
  transitionFulfillmentToState(id: $id, state: $state) {
    __typename
    ... on ErrorResult { errorCode }
    ... on FulfillmentStateTransitionError { fromState toState }
  }
}
"""
