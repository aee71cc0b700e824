// Decides, cycle by cycle, which weight row stands at the top and which operand row at the left.
// Folds go k first, then strips of columns. A fold's weights load in `used` cycles, farthest row first; row r shifts
// in the last used - r of them. With HIDDEN the next load starts when a fold starts streaming,
// without when its last row enters.
module sequencer_ws #(parameter ROWS = 4, parameter COLS = 4, parameter HIDDEN = 1, parameter SIZE = 16) (
    input  wire            clk,
    input  wire            start,                // also resets
    input  wire [SIZE-1:0] streamed,
    input  wire [SIZE-1:0] inner,
    input  wire [SIZE-1:0] across,
    output reg             streaming,
    output reg  [SIZE-1:0] row,
    output reg  [SIZE-1:0] stream_k0,
    output reg  [SIZE-1:0] stream_n0,
    output reg             loading,
    output reg  [SIZE-1:0] index,                // loads done in this fold
    output reg  [SIZE-1:0] load_k0,
    output reg  [SIZE-1:0] load_n0,
    output wire [SIZE-1:0] load_used
);
    reg loaded;                                  // the fold (load_k0, load_n0) waits to stream

    assign load_used = inner - load_k0 < ROWS ? inner - load_k0 : ROWS;
    wire load_ends   = loading && index == load_used - 1;
    wire stream_ends = streaming && row == streamed - 1;
    wire begins      = (loaded || load_ends) && (!streaming || stream_ends);
    wire more_k      = load_k0 + ROWS < inner;
    wire more        = more_k || load_n0 + COLS < across;
    // the next cycle holds the event that frees the loading registers
    wire last_row_next = begins ? streamed == 1 : streaming && row + 2 == streamed;
    wire trigger     = HIDDEN != 0 ? begins : last_row_next;

    always @(posedge clk)
        if (start) begin
            streaming <= 1'b0;
            row <= 0;
            stream_k0 <= 0;
            stream_n0 <= 0;
            loading <= 1'b1;
            index <= 0;
            load_k0 <= 0;
            load_n0 <= 0;
            loaded <= 1'b0;
        end else begin
            row <= row + 1;
            index <= index + 1;
            loaded <= (loaded || load_ends) && !begins;
            if (stream_ends) streaming <= 1'b0;
            if (load_ends) loading <= 1'b0;
            if (begins) begin
                streaming <= 1'b1;
                row <= 0;
                stream_k0 <= load_k0;
                stream_n0 <= load_n0;
            end
            if (trigger && more) begin
                loading <= 1'b1;
                index <= 0;
                load_k0 <= more_k ? load_k0 + ROWS : 0;
                if (!more_k) load_n0 <= load_n0 + COLS;
            end
        end
endmodule
